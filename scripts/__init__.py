"""What is run by hand: the lab's command line, tests, benchmarks and the generator of tables."""
