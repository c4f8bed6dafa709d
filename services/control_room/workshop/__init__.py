"""Workshops as data: plans of parts, what each beat of a part does, and the clock against the plan."""
