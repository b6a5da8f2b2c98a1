print("millrace-worker")
