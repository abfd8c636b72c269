"""The templates of Azure, and their evaluation and validation without Azure."""
