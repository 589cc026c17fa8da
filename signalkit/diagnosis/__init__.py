"""What is connected in this process, and what looks wrong about it. Reads, and changes nothing."""
