-- The greatest position of a row that is no longer in the log, in each part and in
-- all: who follows the feed from before it would miss something without knowing.
-- Where it stood in a store from before this is not known, but for the greatest.
ALTER TABLE parts ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
UPDATE parts SET pruned = (SELECT value FROM meta WHERE key = 'position');
INSERT INTO meta (key, value) SELECT 'pruned', value FROM meta WHERE key = 'position';
