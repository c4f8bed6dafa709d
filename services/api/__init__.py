"""Business logic, and the memory that leaks."""
