"""What is stored and published: commits, deploys, views, and their JSON documents."""
