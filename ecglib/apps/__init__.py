"""What people use: report, HTTP service, archives, and the demo."""
