"""What training on the rows would do: forecast from gradients, or tried on throwaway students."""
