"""The life of any model: trained, registered, reviewed, promoted, loaded. Nothing of one model."""
