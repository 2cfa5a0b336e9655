-- Answers that have expired are found by when they did.
CREATE INDEX answers_by_expiry ON answers (expires);
