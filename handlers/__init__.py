"""What Penstock does when something happens: one file per thing that happens, merged into one router."""
