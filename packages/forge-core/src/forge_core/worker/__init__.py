"""What executes runs: workflows and activities, in process or as a service."""
