// A proxy that validates: Prism looks at what a server answers to each request, by
// the description that the server gives of itself. Prism's own server would parse and
// print what passes through it, so that requests which are wrong on purpose could not;
// here the bytes go through as they came, and Prism is given what was answered.
//
// It is told what to do over HTTP, on the port that it prints:
//
//	POST /lint  {"document"} → {"faults"}
//	POST /open  {"document", "upstream"} → {"url"}
//	POST /close {"url"} → {"checked", "violations"}

import http from 'node:http'
import zlib from 'node:zlib'
import { createRequire } from 'node:module'
import { Validator } from '@seriousme/openapi-schema-validator'
import { createConfig, lintFromString } from '@redocly/openapi-core'

const require = createRequire(import.meta.url)
const { createInstance, getHttpOperationsFromSpec } = require('@stoplight/prism-http')
const route = require('@stoplight/prism-http/dist/router').default
const createLogger = require('@stoplight/prism-core').createLogger
const { findOperationResponse } = require('@stoplight/prism-http/dist/validator/utils/spec')
const TE = require('fp-ts/TaskEither')
const Ajv2020 = require('ajv/dist/2020').default
const addFormats = require('ajv-formats').default

const silent = createLogger('prism', { enabled: false })
const config = {
	isProxy: true, upstream: new URL('http://unused.invalid'), mock: false,
	checkSecurity: false, validateRequest: false, validateResponse: true, errors: false,
}
const known = new Map() // the operations of a path, by the text of its description

// operationsOn returns the operations that a description has on the path of a request,
// none where it has no such path.
async function operationsOn(api, requested) {
	const template = templateOf(Object.keys(api.document.paths), requested)
	if (template === undefined) return []
	if (!api.operations.has(template)) api.operations.set(template, operationsOf(api.document, template))
	return api.operations.get(template)
}

// operationsOf prepares the operations of a path, once for all descriptions that have it.
function operationsOf(document, template) {
	const alone = { ...document, info: { title: 'one path', version: '1' }, tags: [], paths: { [template]: document.paths[template] }, components: {} }
	include(alone, document, alone.paths)
	const text = JSON.stringify(alone)
	if (!known.has(text)) known.set(text, prepare(JSON.parse(text)))
	return known.get(text)
}

async function prepare(document) {
	compiles(document)
	return getHttpOperationsFromSpec(document)
}

// include adds to a description what a part of it refers to.
function include(alone, document, part) {
	for (const [, kind, name] of JSON.stringify(part).matchAll(/"#\/components\/(\w+)\/([^"\/]+)/g)) {
		alone.components[kind] ??= {}
		if (name in alone.components[kind]) continue
		alone.components[kind][name] = document.components[kind][name]
		include(alone, document, document.components[kind][name])
	}
}

// compiles fails where a schema cannot be used. Prism would take it for one that
// everything fits.
function compiles(document) {
	const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
	addFormats(ajv)
	ajv.addSchema({ $id: 'document', components: document.components }, 'document')
	for (const name of Object.keys(document.components.schemas ?? {})) ajv.compile({ $ref: `document#/components/schemas/${name}` })
}

// templateOf returns the path that a request has: of those that fit the one whose first
// parameter comes last, as OpenAPI has it. Prism would go on to another path where that
// one has no such method.
function templateOf(templates, path) {
	const segments = path.split('/')
	const fits = (template) => {
		const words = template.split('/')
		return words.length === segments.length && words.every((word, i) => word.startsWith('{') || word === segments[i])
	}
	const order = (template) => template.split('/').map((word) => (word.startsWith('{') ? '1' : '0')).join('')
	return templates.filter(fits).sort((a, b) => (order(a) < order(b) ? -1 : 1))[0]
}

// check returns what is wrong with an answer.
async function check(api, request, answer) {
	if (request.url === '*') return [] // OPTIONS of the whole server is no path
	const at = `${request.method} ${request.url} → ${answer.status}: `
	const input = { method: request.method.toLowerCase(), url: { path: expressible(request.url), query: {} }, headers: {} }
	const operations = await operationsOn(api, input.url.path)
	const found = route({ resources: operations, input })
	if (found._tag === 'Left') {
		return [400, 401, 403, 404, 405, 414, 431].includes(answer.status) ? [] : [at + 'the description has no such path or method']
	}
	const wrong = []
	const declared = findOperationResponse(found.right.responses, answer.status)
	if (declared._tag === 'Some') {
		const names = (declared.value.headers ?? []).map((h) => h.name.toLowerCase())
		for (const name of Object.keys(answer.headers)) {
			if (!names.includes(name) && !ofConnections.has(name)) wrong.push(`${at}the description has no header ${name}`)
		}
		if (answer.size > 0 && !(declared.value.contents ?? []).length) wrong.push(at + 'the description has no content')
	}
	const element = { statusCode: answer.status, headers: answer.headers, body: answer.body }
	const one = declared._tag === 'Some' ? narrowed(found.right, declared.value, answer) : found.right
	const prism = createInstance(config, { logger: silent, forward: () => () => TE.right(element) })
	const result = await prism.request(input, [one])()
	if (result._tag === 'Left') return [...wrong, at + String(result.left)]
	for (const v of result.right.validations.output) {
		if (answer.unread && v.path?.[0] === 'body') continue
		wrong.push(at + [v.path?.join('.'), v.message].filter(Boolean).join(' ') + ' ' + (answer.text ?? '').slice(0, 300))
	}
	return wrong
}

// narrowed returns an operation of which the content of one answer is that of exactly the
// media type which it has: Prism would take any +json for any other. An answer without
// content, as Prefer: return=minimal asks for, is none that OpenAPI could tell apart.
function narrowed(operation, declared, answer) {
	const [type] = (answer.headers['content-type'] ?? '').split(';')
	const bare = type === '' && answer.size === 0 && answer.status === 201
	const exact = declared.contents?.filter((content) => !bare && content.mediaType === type)
	const response = { ...declared, contents: exact?.length || bare ? exact : declared.contents }
	return { ...operation, responses: [response, ...operation.responses.filter((r) => r !== declared)] }
}

// ofConnections are header fields of HTTP itself.
const ofConnections = new Set(['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'])

// expressible returns a path as OpenAPI can have it: a parameter there is one segment.
function expressible(url) {
	const path = url.split('?')[0]
	return path.replace(/(\/_fields\/[^/]+)\/.*$/, '$1')
}

// read makes of the bytes of an answer what Prism looks at.
function read(response, bytes, request) {
	const headers = {}
	for (let i = 0; i < response.rawHeaders.length; i += 2) {
		const name = response.rawHeaders[i].toLowerCase()
		headers[name] = name in headers ? `${headers[name]}, ${response.rawHeaders[i + 1]}` : response.rawHeaders[i + 1]
	}
	const answer = { status: response.statusCode, headers, size: bytes.length, unread: false }
	const type = headers['content-type'] ?? ''
	const isJSON = /^application\/([a-z.-]+\+)?json$/.test(type)
	if (type && !isJSON && request.method !== 'HEAD') answer.body = '' // a text that is empty is one
	if (request.method === 'HEAD' || bytes.length === 0) return answer
	const decoders = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync }
	const coding = headers['content-encoding']
	if (coding && !decoders[coding]) return { ...answer, unread: true } // Node 20 has no zstd
	answer.text = (coding ? decoders[coding](bytes) : bytes).toString('utf8')
	answer.body = isJSON ? JSON.parse(answer.text) : answer.text
	return answer
}

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity })
const opened = new Map() // by URL

async function open({ document, upstream }) {
	const to = new URL(upstream)
	const api = { document: JSON.parse(document), operations: new Map(), checked: 0, violations: [], pending: new Set() }
	api.server = http.createServer((request, response) => forward(api, to, request, response))
	await new Promise((done) => api.server.listen(0, '127.0.0.1', done))
	const url = `http://127.0.0.1:${api.server.address().port}`
	opened.set(url, api)
	return { url }
}

// forward passes a request on, and its answer back, and has that checked.
function forward(api, to, request, response) {
	const onward = http.request({ host: to.hostname, port: to.port, method: request.method, path: request.url, headers: request.rawHeaders, setHost: false, agent })
	onward.on('error', () => response.destroy())
	response.on('close', () => response.writableFinished || onward.destroy())
	onward.on('response', (answer) => {
		response.sendDate = false
		response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders)
		response.flushHeaders()
		const streams = /^text\/event-stream/.test(answer.headers['content-type'] ?? '')
		const chunks = []
		const judge = () => {
			const done = Promise.resolve().then(() => check(api, request, read(answer, Buffer.concat(chunks), request)))
				.catch((error) => [`${request.method} ${request.url}: ${error.stack}`])
				.then((wrong) => { api.checked++; api.violations.push(...wrong); api.pending.delete(done) })
			api.pending.add(done)
		}
		if (streams) judge() // by its header: its end is far
		answer.on('data', (chunk) => { if (!streams) chunks.push(chunk); response.write(chunk) })
		answer.on('end', () => { if (!streams) judge(); response.end() })
		answer.on('error', () => response.destroy())
	})
	request.pipe(onward)
}

async function close({ url }) {
	const api = opened.get(url)
	opened.delete(url)
	api.server.close()
	api.server.closeAllConnections()
	await Promise.all(api.pending)
	return { checked: api.checked, violations: api.violations }
}

// lint holds a description against the schema that OpenAPI has for descriptions, and
// against what a linter recommends.
async function lint({ document }) {
	const { valid, errors } = await new Validator().validate(JSON.parse(document))
	const faults = valid ? [] : [JSON.stringify(errors)]
	const config = await createConfig({ extends: ['recommended-strict'], rules })
	for (const found of await lintFromString({ source: document, absoluteRef: 'openapi.json', config })) {
		faults.push(`${found.ruleId}: ${found.message} (${found.location[0]?.pointer})`)
	}
	return { faults: [...new Set(faults)] }
}

const rules = {
	'info-license': 'off', // an API has the one that its owner gives it
	'no-invalid-media-type-examples': { severity: 'error', allowAdditionalProperties: true }, // where a schema does not say otherwise
}

const commands = { '/lint': lint, '/open': open, '/close': close }
const control = http.createServer(async (request, response) => {
	try {
		const chunks = []
		for await (const chunk of request) chunks.push(chunk)
		const told = await commands[request.url](JSON.parse(Buffer.concat(chunks).toString('utf8')))
		response.end(JSON.stringify(told))
	} catch (error) {
		response.statusCode = 500
		response.end(error.stack)
	}
})
control.listen(0, '127.0.0.1', () => console.log(control.address().port))
process.stdin.on('end', () => process.exit(0)) // whoever started it is gone
process.stdin.resume()
