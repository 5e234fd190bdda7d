"""Detector back ends: each module without a leading underscore is one plug-in."""
