"""Layers that two systems or more use; everything here computes with torch."""
