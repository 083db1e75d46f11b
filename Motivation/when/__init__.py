"""When the five problems come: families of small trainings, and what each rule says of them."""
