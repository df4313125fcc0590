"""The database: how it is opened and migrated. Each package declares its own tables on it."""
