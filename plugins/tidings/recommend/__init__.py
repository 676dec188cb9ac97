"""The right product: baskets, association rules, and recommendations that say why."""
