"""What a user hands over: names, amounts, constraints, costs and functions, with the rules that each must keep."""
