"""Policy 1.9: who follows an owner that goes. They are asked in turn, and whoever accepts is the owner."""
