"""What is made of data and weights at set-up, and read by services: files of models/."""
