"""What a user hands over: names, amounts, constraints, costs, functions and plain values, with the rules that each must keep."""
