"""The gate: non-inferiority of a deploy, rule by rule, with bounds that stay honest on few anchors."""
