"""The endpoints, a module for each part of the API; see pbsstandin.table."""
