"""Chats that people paste: found in the message, parted into lines, and read for signs."""
