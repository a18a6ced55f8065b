"""Dual control (F197): what one person asks for and another confirms; carried out when they do."""
