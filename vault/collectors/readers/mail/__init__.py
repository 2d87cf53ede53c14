"""What every reader of mail shares: messages, their own words, threads, dates, mailboxes."""
