-- No version and no fence at or below it may be given out, in parts that are still to
-- come neither. A restore raises it.
INSERT INTO meta (key, value) VALUES ('floor', 0);
