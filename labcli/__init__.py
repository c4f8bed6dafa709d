"""The lab's command line tool, in the standard library alone; `supervisor` also needs psutil."""
