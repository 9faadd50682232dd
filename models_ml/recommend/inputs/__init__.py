"""What recommendations are made from: stock, orders, demand, prices, customers, anomalies."""
