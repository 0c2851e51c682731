"""What a user hands over: names, amounts, labels, costs, functions, values, with the rules that each must keep."""
