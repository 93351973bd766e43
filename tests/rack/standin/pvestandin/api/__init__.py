"""The endpoints, a module for each branch of the API's tree."""
