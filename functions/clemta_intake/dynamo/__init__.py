"""The DynamoDB table: claims, the rate limit, the daily cap and batches."""
