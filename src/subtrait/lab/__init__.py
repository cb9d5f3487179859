"""The lab: teacher → dataset → filters → student → evaluation."""
