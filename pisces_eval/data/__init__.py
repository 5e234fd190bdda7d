"""Where rows come from: the hub, a local folder, a mini set; and how images are decoded."""
