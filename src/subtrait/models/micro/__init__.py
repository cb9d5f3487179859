"""The embedded family: three small models, the world they are trained on and the recipe that trains them."""
