print("millrace-control")
