"""What a run asks of the operating system: priorities, locks, a job object, a folder that fits."""
