-- +goose Up

-- ifmatch_commit carries out one commit, or several that have no document, claim or
-- key in common, in one statement. It refuses each member by itself and raises what
-- concerns all.
--
-- Arguments come as columns. m_ are those of the members, which are counted from 1;
-- r_ the references that they check (kind 0), want to exist (1), touch (2), write (3)
-- and delete (4), where r_at and what follows it belongs to writes; k_ the keys of
-- written bodies in the collection's indexes, c_ claims, s_ side rows, a_ answers;
-- k_ref and s_ref count references from 1. Times are microseconds.
--
-- Locks are taken in one order everywhere: answers, documents, claims, counters, each
-- by their keys. What is absent is locked by a stub, which is gone when the commit
-- has ended. Every statement sees what others had committed when it began, so that
-- what is read behind the locks stands until the end.
--
-- A result row says by its kind what it is of: 'a' the answer that stands under the
-- key of a member, 'd' where a reference stood, 'c' who held a claimed value, 'x' the
-- indexes of a collection that a body has other keys for, 'p' the position that a
-- write was given, 'm' whether a member was carried out, the time, and the
-- least floor of any part.
-- +goose StatementBegin
CREATE FUNCTION ifmatch_commit(
	dry boolean, clock bigint,
	m_commit uuid[], m_correlation text[], m_actor text[], m_roles text[], m_now bigint[],
	r_member int[], r_part bigint[], r_id text[], r_kind smallint[], r_rev bigint[], r_version bigint[],
	r_collection text[], r_params text[], r_lane smallint[], r_life bigint[], r_at bigint[],
	r_digest bytea[], r_body bytea[], r_keep bigint[], r_keep_since bigint[],
	r_op smallint[], r_lease text[], r_ttl bigint[],
	r_action text[], r_outcome text[], r_base bigint[], r_blind boolean[], r_merged_from bigint[],
	r_decisions bytea[], r_link bytea[], r_indexes text[],
	k_ref int[], k_name text[], k_key bytea[],
	c_member int[], c_part bigint[], c_name text[], c_value bytea[], c_id text[], c_release boolean[],
	s_ref int[], s_kind text[], s_row bytea[], s_value bytea[], s_delete boolean[],
	a_member int[], a_part bigint[], a_scope bytea[], a_key bytea[], a_digest bytea[], a_content bytea[], a_expires bigint[]
) RETURNS TABLE (
	kind text, ord int,
	rev bigint, version bigint, life bigint, flag boolean, at bigint, same_second boolean, digest bytea, link bytea,
	pos bigint, body_rev bigint, txt text, fence bigint, until bigint, floor bigint, ours boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	refused  int[] := '{}';
	now_us   bigint;
	stubs    int := 0;
	n        int;
	counter  record;
	lane_at  bigint[] := array_fill(NULL::bigint, ARRAY[16]);
	places   bigint[];
	kept     record;
	entry    record;
	drops    bigint;
	base_at  bigint;
	least    bigint := (SELECT m.value::bigint FROM meta m WHERE m.key = 'floor'); -- of every part
BEGIN
	-- Answers.
	IF cardinality(a_member) > 0 THEN
		IF NOT dry THEN
			INSERT INTO answers (part, scope, key)
				SELECT u.part, u.scope, u.key FROM unnest(a_part, a_scope, a_key) u(part, scope, key) ORDER BY 1, 2, 3
				ON CONFLICT DO NOTHING;
			PERFORM 1 FROM unnest(a_part, a_scope, a_key) u(part, scope, key)
				JOIN answers a ON a.part = u.part AND a.scope = u.scope AND a.key = u.key
				ORDER BY a.part, a.scope, a.key FOR UPDATE OF a;
			GET DIAGNOSTICS n = ROW_COUNT;
			IF n < cardinality(a_member) THEN
				RAISE serialization_failure USING MESSAGE = 'an answer was forgotten meanwhile';
			END IF;
		END IF;
		RETURN QUERY SELECT 'a'::text, u.member, 0::bigint, 0::bigint, 0::bigint, false, a.expires, false, a.digest, a.content,
				0::bigint, 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::bigint, false
			FROM unnest(a_member, a_part, a_scope, a_key) u(member, part, scope, key)
			JOIN answers a ON a.part = u.part AND a.scope = u.scope AND a.key = u.key
			WHERE a.expires > m_now[u.member];
		refused := ARRAY(SELECT u.member FROM unnest(a_member, a_part, a_scope, a_key) u(member, part, scope, key)
			JOIN answers a ON a.part = u.part AND a.scope = u.scope AND a.key = u.key
			WHERE a.expires > m_now[u.member]);
	END IF;

	-- Documents.
	IF NOT dry AND 0 = ANY (r_rev) THEN
		INSERT INTO documents (part, id)
			SELECT DISTINCT u.part, u.id COLLATE "C" FROM unnest(r_part, r_id, r_kind, r_rev) u(part, id, kind, rev)
			WHERE u.rev = 0 AND u.kind <> 1
				AND NOT EXISTS (SELECT FROM documents d WHERE d.part = u.part AND d.id = u.id)
			ORDER BY 1, 2
			ON CONFLICT DO NOTHING;
		GET DIAGNOSTICS stubs = ROW_COUNT;
	END IF;
	PERFORM 1 FROM (SELECT DISTINCT u.part, u.id FROM unnest(r_part, r_id) u(part, id)) u
		JOIN documents d ON d.part = u.part AND d.id = u.id
		ORDER BY d.part, d.id FOR UPDATE OF d;
	IF NOT dry AND 0 = ANY (r_rev) AND EXISTS (
		SELECT FROM unnest(r_part, r_id, r_kind, r_rev) u(part, id, kind, rev)
		WHERE u.rev = 0 AND u.kind <> 1 AND NOT EXISTS (SELECT FROM documents d WHERE d.part = u.part AND d.id = u.id)
	) THEN
		RAISE serialization_failure USING MESSAGE = 'a document was purged meanwhile';
	END IF;
	IF EXISTS (SELECT FROM unnest(r_part, r_collection, r_params) u(part, collection, params)
		JOIN parts p ON p.part = u.part WHERE p.collection <> u.collection OR p.params <> u.params) THEN
		RAISE unique_violation USING MESSAGE = 'two parts have one number';
	END IF;
	now_us := coalesce(clock, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
	RETURN QUERY SELECT 'd'::text, u.ord::int, coalesce(d.rev, 0), coalesce(d.version, 0), coalesce(d.life, 0), coalesce(d.live, false),
			coalesce(d.at, 0), coalesce(d.same_second, false), d.digest, d.link, coalesce(d.position, 0), coalesce(d.body_rev, 0),
			d.lease, coalesce(d.fence, 0), coalesce(d.lease_until, 0), coalesce(p.floor, least),
			CASE WHEN u.kind >= 2 AND d.rev > u.rev THEN EXISTS (SELECT FROM log l
				WHERE l.part = u.part AND l.id = u.id AND l.rev = u.rev + 1 AND l.commit_id = m_commit[u.member]) ELSE false END
		FROM unnest(r_member, r_part, r_id, r_kind, r_rev) WITH ORDINALITY u(member, part, id, kind, rev, ord)
		LEFT JOIN documents d ON d.part = u.part AND d.id = u.id
		LEFT JOIN parts p ON p.part = u.part;
	refused := refused || ARRAY(SELECT u.member
		FROM unnest(r_member, r_part, r_id, r_kind, r_rev, r_version, r_life, r_at, r_op, r_lease)
			u(member, part, id, kind, rev, version, life, at, op, lease)
		LEFT JOIN documents d ON d.part = u.part AND d.id = u.id
		LEFT JOIN parts p ON p.part = u.part
		WHERE NOT CASE u.kind
				WHEN 0 THEN coalesce(d.rev, 0) = u.rev AND (u.version = 0 OR coalesce(d.version, 0) = u.version)
				WHEN 1 THEN coalesce(d.live, false)
				WHEN 2 THEN coalesce(d.rev, 0) = u.rev AND d.version = u.version AND d.life = u.life
				ELSE coalesce(d.rev, 0) = u.rev AND u.version > greatest(d.version, coalesce(p.floor, least), 0)
			END
			OR u.kind >= 2 AND (
				d.at > u.at
				OR u.op >= 1 AND u.op <> 2 AND NOT coalesce(d.lease = u.lease AND now_us < d.lease_until, false)
				OR d.lease IS NOT NULL AND now_us < d.lease_until AND NOT (u.op >= 1 AND d.lease = u.lease)
			));

	-- Natural keys.
	IF cardinality(c_member) > 0 THEN
		IF NOT dry THEN
			INSERT INTO claims (part, name, value)
				SELECT DISTINCT u.part, u.name COLLATE "C", u.value FROM unnest(c_part, c_name, c_value, c_release) u(part, name, value, release)
				WHERE NOT u.release ORDER BY 1, 2, 3
				ON CONFLICT DO NOTHING;
			PERFORM 1 FROM (SELECT DISTINCT u.part, u.name, u.value FROM unnest(c_part, c_name, c_value) u(part, name, value)) u
				JOIN claims c ON c.part = u.part AND c.name = u.name AND c.value = u.value
				ORDER BY c.part, c.name, c.value FOR UPDATE OF c;
			IF EXISTS (SELECT FROM unnest(c_part, c_name, c_value, c_release) u(part, name, value, release)
				WHERE NOT u.release AND NOT EXISTS (SELECT FROM claims c WHERE c.part = u.part AND c.name = u.name AND c.value = u.value)) THEN
				RAISE serialization_failure USING MESSAGE = 'a claim was released meanwhile';
			END IF;
		END IF;
		RETURN QUERY SELECT 'c'::text, u.ord::int, 0::bigint, 0::bigint, 0::bigint, false, 0::bigint, false, NULL::bytea, NULL::bytea,
				0::bigint, 0::bigint, c.id, 0::bigint, 0::bigint, 0::bigint, false
			FROM unnest(c_part, c_name, c_value) WITH ORDINALITY u(part, name, value, ord)
			JOIN claims c ON c.part = u.part AND c.name = u.name AND c.value = u.value
			WHERE c.id IS NOT NULL;
		refused := refused || ARRAY(
			SELECT u.member FROM unnest(c_member, c_part, c_name, c_value, c_id, c_release) u(member, part, name, value, id, release)
			LEFT JOIN claims c ON c.part = u.part AND c.name = u.name AND c.value = u.value
			WHERE NOT u.release AND (
				c.id <> u.id AND NOT EXISTS (
					SELECT FROM unnest(c_member, c_part, c_name, c_value, c_id, c_release) o(member, part, name, value, id, release)
					WHERE o.member = u.member AND o.part = u.part AND o.name = u.name AND o.value = u.value AND o.release AND o.id = c.id)
				OR EXISTS (
					SELECT FROM unnest(c_member, c_part, c_name, c_value, c_id, c_release) o(member, part, name, value, id, release)
					WHERE o.member = u.member AND o.part = u.part AND o.name = u.name AND o.value = u.value AND NOT o.release AND o.id <> u.id)
			));
	END IF;

	-- Indexes: those of the collection, or, where it never had a document, of the first.
	FOR entry IN
		SELECT u.ord, u.member, c.names, c.whole
		FROM unnest(r_member, r_kind, r_collection, r_indexes) WITH ORDINALITY u(member, kind, collection, indexes, ord)
		JOIN collections c ON c.collection = u.collection
		WHERE u.kind = 3 AND (NOT c.whole OR array_to_string(c.names, chr(31)) <> u.indexes)
	LOOP
		refused := refused || entry.member;
		RETURN QUERY SELECT 'x'::text, entry.ord::int, 0::bigint, 0::bigint, 0::bigint, entry.whole, 0::bigint, false, NULL::bytea, NULL::bytea,
			0::bigint, 0::bigint, array_to_string(entry.names, chr(31)), 0::bigint, 0::bigint, 0::bigint, false;
	END LOOP;
	refused := refused || ARRAY(
		SELECT u.member FROM unnest(r_member, r_kind, r_collection, r_indexes) u(member, kind, collection, indexes)
		WHERE u.kind = 3 AND NOT EXISTS (SELECT FROM collections c WHERE c.collection = u.collection)
		GROUP BY u.member, u.collection HAVING count(DISTINCT u.indexes) > 1);

	RETURN QUERY SELECT 'm'::text, u.member::int, 0::bigint, 0::bigint, 0::bigint, u.member <> ALL (refused), now_us, false, NULL::bytea, NULL::bytea,
			0::bigint, 0::bigint, NULL::text, 0::bigint, 0::bigint, least, false
		FROM generate_series(1, cardinality(m_commit)) u(member);

	IF dry THEN
		RETURN QUERY SELECT 'p'::text, u.ord::int, 0::bigint, 0::bigint, 0::bigint, false, 0::bigint, false, NULL::bytea, NULL::bytea,
				l.position + row_number() OVER (PARTITION BY u.lane ORDER BY u.ord), 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::bigint, false
			FROM unnest(r_member, r_kind, r_lane) WITH ORDINALITY u(member, kind, lane, ord)
			JOIN lanes l ON l.part = 0 AND l.lane = u.lane
			WHERE u.kind >= 2 AND u.member <> ALL (refused);
		RETURN;
	END IF;

	-- All that passed is written, the counters last.
	IF 0 = ANY (r_rev) THEN
		INSERT INTO parts (part, collection, params, floor)
			SELECT DISTINCT u.part, u.collection, u.params, least
			FROM unnest(r_member, r_kind, r_rev, r_part, r_collection, r_params) u(member, kind, rev, part, collection, params)
			WHERE u.kind = 3 AND u.rev = 0 AND u.member <> ALL (refused)
				AND NOT EXISTS (SELECT FROM parts p WHERE p.part = u.part)
			ORDER BY 1 ON CONFLICT DO NOTHING;
		INSERT INTO collections (collection, names, whole)
			SELECT DISTINCT u.collection COLLATE "C", CASE WHEN u.indexes = '' THEN '{}' ELSE string_to_array(u.indexes, chr(31)) END, true
			FROM unnest(r_member, r_kind, r_rev, r_collection, r_indexes) u(member, kind, rev, collection, indexes)
			WHERE u.kind = 3 AND u.rev = 0 AND u.member <> ALL (refused)
				AND NOT EXISTS (SELECT FROM collections c WHERE c.collection = u.collection)
			ORDER BY 1 ON CONFLICT DO NOTHING;
		GET DIAGNOSTICS n = ROW_COUNT;
		IF EXISTS (
			SELECT FROM unnest(r_member, r_kind, r_rev, r_collection, r_indexes) u(member, kind, rev, collection, indexes)
			JOIN collections c ON c.collection = u.collection
			WHERE u.kind = 3 AND u.rev = 0 AND u.member <> ALL (refused)
				AND (NOT c.whole OR array_to_string(c.names, chr(31)) <> u.indexes)
		) THEN
			RAISE serialization_failure USING MESSAGE = 'the collection got its first document meanwhile';
		END IF;
	END IF;
	IF cardinality(a_member) > 0 THEN
		UPDATE answers a SET digest = u.digest, content = u.content, expires = u.expires
			FROM unnest(a_member, a_part, a_scope, a_key, a_digest, a_content, a_expires) u(member, part, scope, key, digest, content, expires)
			WHERE a.part = u.part AND a.scope = u.scope AND a.key = u.key AND u.member <> ALL (refused);
		DELETE FROM answers a USING unnest(a_part, a_scope, a_key) u(part, scope, key)
			WHERE a.part = u.part AND a.scope = u.scope AND a.key = u.key AND a.expires IS NULL;
		DELETE FROM answers WHERE (part, scope, key) IN (
			SELECT a.part, a.scope, a.key FROM answers a
			WHERE a.expires <= (SELECT min(t) FROM unnest(m_now) t) ORDER BY a.expires
			LIMIT 2 * cardinality(a_member) FOR UPDATE SKIP LOCKED);
	END IF;
	IF cardinality(c_member) > 0 THEN
		UPDATE claims c SET id = NULL
			FROM unnest(c_member, c_part, c_name, c_value, c_id, c_release) u(member, part, name, value, id, release)
			WHERE c.part = u.part AND c.name = u.name AND c.value = u.value AND u.release AND c.id = u.id AND u.member <> ALL (refused);
		UPDATE claims c SET id = u.id
			FROM unnest(c_member, c_part, c_name, c_value, c_id, c_release) u(member, part, name, value, id, release)
			WHERE c.part = u.part AND c.name = u.name AND c.value = u.value AND NOT u.release AND u.member <> ALL (refused);
		DELETE FROM claims c USING unnest(c_part, c_name, c_value) u(part, name, value)
			WHERE c.part = u.part AND c.name = u.name AND c.value = u.value AND c.id IS NULL;
	END IF;
	IF cardinality(s_ref) > 0 THEN
		DELETE FROM side_rows s USING unnest(s_ref, s_kind, s_row, s_delete) u(ref, kind, row_id, delete)
			WHERE u.delete AND r_member[u.ref] <> ALL (refused)
				AND s.part = r_part[u.ref] AND s.id = r_id[u.ref] AND s.kind = u.kind AND s.row_id = u.row_id;
		INSERT INTO side_rows AS s (part, id, kind, row_id, value)
			SELECT r_part[u.ref], r_id[u.ref], u.kind, u.row_id, u.value
			FROM unnest(s_ref, s_kind, s_row, s_value, s_delete) u(ref, kind, row_id, value, delete)
			WHERE NOT u.delete AND r_member[u.ref] <> ALL (refused)
			ON CONFLICT (part, id, kind, row_id) DO UPDATE SET value = excluded.value;
	END IF;
	IF cardinality(k_ref) > 0 OR 4 = ANY (r_kind) THEN
		DELETE FROM index_rows i USING (
			SELECT u.ord, u.part, u.id, o.name, o.key
			FROM unnest(r_member, r_kind, r_part, r_id) WITH ORDINALITY u(member, kind, part, id, ord)
			JOIN document_keys k ON k.part = u.part AND k.id = u.id
			CROSS JOIN LATERAL unnest(k.names, k.keys) o(name, key)
			WHERE u.kind >= 3 AND u.member <> ALL (refused)
				AND NOT EXISTS (SELECT FROM unnest(k_ref, k_name, k_key) w(ref, name, key)
					WHERE w.ref = u.ord AND w.name = o.name AND w.key = o.key)
		) was WHERE i.part = was.part AND i.name = was.name AND i.key = was.key AND i.id = was.id;
		INSERT INTO index_rows (part, name, key, id)
			SELECT r_part[w.ref], w.name, w.key, r_id[w.ref] FROM unnest(k_ref, k_name, k_key) w(ref, name, key)
			WHERE r_member[w.ref] <> ALL (refused)
			ON CONFLICT DO NOTHING;
		DELETE FROM document_keys k USING unnest(r_member, r_kind, r_part, r_id) u(member, kind, part, id)
			WHERE k.part = u.part AND k.id = u.id AND u.kind = 4 AND u.member <> ALL (refused);
		INSERT INTO document_keys (part, id, names, keys)
			SELECT r_part[w.ref], r_id[w.ref], array_agg(w.name ORDER BY w.ord), array_agg(w.key ORDER BY w.ord)
			FROM unnest(k_ref, k_name, k_key) WITH ORDINALITY w(ref, name, key, ord)
			WHERE r_member[w.ref] <> ALL (refused) GROUP BY w.ref
			ON CONFLICT (part, id) DO UPDATE SET names = excluded.names, keys = excluded.keys;
	END IF;

	FOR counter IN
		SELECT u.lane, count(*) AS writes FROM unnest(r_member, r_kind, r_lane) u(member, kind, lane)
		WHERE u.kind >= 2 AND u.member <> ALL (refused) GROUP BY u.lane ORDER BY u.lane
	LOOP
		UPDATE lanes l SET position = l.position + counter.writes WHERE l.part = 0 AND l.lane = counter.lane
			RETURNING l.position - counter.writes INTO base_at;
		lane_at[counter.lane + 1] := base_at;
	END LOOP;
	places := ARRAY(
		SELECT CASE WHEN u.kind >= 2 AND u.member <> ALL (refused)
			THEN lane_at[u.lane + 1] + row_number() OVER (PARTITION BY u.lane, u.kind >= 2 AND u.member <> ALL (refused) ORDER BY u.ord) END
		FROM unnest(r_member, r_kind, r_lane) WITH ORDINALITY u(member, kind, lane, ord) ORDER BY u.ord);
	INSERT INTO log (part, id, rev, lane, position, version, life, action, outcome, base, blind, merged_from, decisions, at,
			commit_id, correlation, actor, roles, digest, link, body)
		SELECT u.part, u.id, u.rev + 1, u.lane, u.place, u.version, u.life, u.action, u.outcome, u.base, u.blind, u.merged_from, u.decisions, u.at,
			m_commit[u.member], m_correlation[u.member], m_actor[u.member], m_roles[u.member], u.digest, u.link, u.body
		FROM unnest(r_member, r_kind, r_part, r_id, r_rev, r_lane, places, r_version, r_life, r_action, r_outcome, r_base, r_blind, r_merged_from,
				r_decisions, r_at, r_digest, r_link, r_body)
			u(member, kind, part, id, rev, lane, place, version, life, action, outcome, base, blind, merged_from, decisions, at, digest, link, body)
		WHERE u.kind >= 2 AND u.member <> ALL (refused);
	GET DIAGNOSTICS n = ROW_COUNT;
	UPDATE documents d SET
			rev = d.rev + 1,
			version = u.version, life = u.life,
			live = CASE u.kind WHEN 2 THEN d.live ELSE u.kind = 3 END,
			at = CASE u.kind WHEN 2 THEN d.at ELSE u.at END,
			same_second = CASE u.kind WHEN 2 THEN d.same_second ELSE d.rev <> 0 AND d.at / 1000000 = u.at / 1000000 END,
			digest = CASE u.kind WHEN 2 THEN d.digest WHEN 3 THEN u.digest END,
			link = u.link,
			position = u.place,
			body_rev = CASE u.kind WHEN 2 THEN d.body_rev WHEN 3 THEN d.rev + 1 ELSE 0 END,
			lease = CASE WHEN u.op IN (2, 3) THEN u.lease WHEN u.op = 4 THEN NULL ELSE d.lease END,
			fence = CASE WHEN u.op = 2 THEN greatest(d.fence, least) + 1 ELSE d.fence END,
			lease_until = CASE WHEN u.op IN (2, 3) THEN now_us + u.ttl WHEN u.op = 4 THEN 0 ELSE d.lease_until END
		FROM unnest(r_member, r_kind, r_part, r_id, r_rev, places, r_version, r_life, r_at, r_digest, r_link, r_op, r_lease, r_ttl)
			u(member, kind, part, id, rev, place, version, life, at, digest, link, op, lease, ttl)
		WHERE d.part = u.part AND d.id = u.id AND d.rev = u.rev AND u.kind >= 2 AND u.member <> ALL (refused);
	GET DIAGNOSTICS stubs = ROW_COUNT;
	IF n <> stubs THEN
		RAISE serialization_failure USING MESSAGE = 'a document changed behind its lock';
	END IF;

	-- Every sixteenth row of a document pays for the bodies that it need no longer keep.
	FOR kept IN
		SELECT u.part, u.id, u.rev + 1 AS rev, u.version, u.keep, u.keep_since, d.kept_rev, d.body_rev
		FROM unnest(r_member, r_kind, r_part, r_id, r_rev, r_version, r_keep, r_keep_since) u(member, kind, part, id, rev, version, keep, keep_since)
		JOIN documents d ON d.part = u.part AND d.id = u.id
		WHERE (u.rev + 1) % 16 = 0 AND u.kind >= 2 AND (u.keep > 0 OR u.keep_since > 0) AND u.member <> ALL (refused)
	LOOP
		drops := kept.kept_rev;
		FOR entry IN
			SELECT l.rev, l.version, l.action,
				(SELECT o.at FROM log o WHERE o.part = l.part AND o.id = l.id AND o.rev > l.rev AND o.action <> 'touch' ORDER BY o.rev LIMIT 1) AS superseded
			FROM log l WHERE l.part = kept.part AND l.id = kept.id AND l.rev >= kept.kept_rev AND l.rev < kept.rev ORDER BY l.rev
		LOOP
			EXIT WHEN entry.rev = kept.body_rev OR entry.action <> 'touch'
				AND NOT (kept.keep > 0 AND entry.version <= kept.version - kept.keep)
				AND NOT (kept.keep_since > 0 AND entry.superseded < kept.keep_since);
			drops := entry.rev + 1;
		END LOOP;
		IF drops > kept.kept_rev THEN
			UPDATE log l SET body = NULL WHERE l.part = kept.part AND l.id = kept.id AND l.rev >= kept.kept_rev AND l.rev < drops AND l.body IS NOT NULL;
			UPDATE documents d SET kept_rev = drops WHERE d.part = kept.part AND d.id = kept.id;
		END IF;
	END LOOP;

	DELETE FROM documents d USING unnest(r_part, r_id, r_rev) u(part, id, rev)
		WHERE u.rev = 0 AND d.part = u.part AND d.id = u.id AND d.rev = 0;
	RETURN QUERY SELECT 'p'::text, u.ord::int, 0::bigint, 0::bigint, 0::bigint, false, 0::bigint, false, NULL::bytea, NULL::bytea,
			u.place, 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::bigint, false
		FROM unnest(places) WITH ORDINALITY u(place, ord) WHERE u.place IS NOT NULL;
END
$$;
-- +goose StatementEnd

-- ifmatch_purge forgets a tombstone with its history and raises the floor of its part.
-- It tells whether there was one.
-- +goose StatementBegin
CREATE FUNCTION ifmatch_purge(of_part bigint, of_id text, of_lane smallint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	was documents;
BEGIN
	SELECT * INTO was FROM documents d WHERE d.part = of_part AND d.id = of_id FOR UPDATE;
	IF NOT FOUND OR was.rev = 0 OR was.live THEN
		RETURN false;
	END IF;
	UPDATE parts p SET floor = greatest(p.floor, was.version) WHERE p.part = of_part;
	INSERT INTO pruned AS p (part, lane, position) VALUES (0, of_lane, was.position), (of_part, of_lane, was.position)
		ON CONFLICT (part, lane) DO UPDATE SET position = greatest(p.position, excluded.position);
	DELETE FROM log l WHERE l.part = of_part AND l.id = of_id;
	DELETE FROM side_rows s WHERE s.part = of_part AND s.id = of_id;
	DELETE FROM document_keys k WHERE k.part = of_part AND k.id = of_id;
	DELETE FROM documents d WHERE d.part = of_part AND d.id = of_id;
	RETURN true;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION ifmatch_commit;
DROP FUNCTION ifmatch_purge;
