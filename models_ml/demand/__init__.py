"""Weekly demand at two tiers: store × category, and top product × store."""
