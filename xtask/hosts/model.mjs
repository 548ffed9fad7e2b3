// Stands for the models of the hosts: Anthropic's Messages, OpenAI's Responses and Chat Completions, Gemini's API.
//
// It decides nothing. A prompt carries its script, STUB[{"tool":"NAME","input":{}},...]STUB, and is answered with
// these calls of tools, one after another, and then with a text. A text that comes from elsewhere, such as the line
// that wakes a session, has its script in the file RULES: [{"match": REGULAR EXPRESSION, "steps": [...]}].
// Each turn is one line of JSON in the file LOG.
import http from 'node:http';
import fs from 'node:fs';

const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS = { 'content-type': 'text/event-stream' };

/** The names of the tools that a model is offered. */
const names = (tools) => (tools ?? []).map((tool) => tool.name ?? tool.function?.name ?? tool.type);

/** The steps that the last user's text with a script asks for, and which of them is next. */
function plan(items, tools) {
  const rules = JSON.parse(fs.readFileSync(process.env.RULES, 'utf8'));
  let at = -1, steps = [];
  items.forEach((item, index) => {
    if (item.kind !== 'user') return;
    const script = /STUB(\[.*?\])STUB/s.exec(item.text);
    const rule = rules.find((rule) => new RegExp(rule.match, 's').test(item.text));
    if (script) [at, steps] = [index, JSON.parse(script[1])];
    else if (rule) [at, steps] = [index, rule.steps];
  });
  const results = items.slice(at + 1).filter((item) => item.kind === 'result');
  const step = steps[results.length];
  const text = `STUB-DONE after ${results.length} results`;
  const heard = items.slice(-4).map(({ kind, text }) => ({ kind, text: text.slice(-4000) }));
  fs.appendFileSync(process.env.LOG, JSON.stringify({ heard, tools: names(tools), next: step?.tool ?? text }) + '\n');
  return { step, text, id: `${Date.now()}${results.length}` };
}

const flat = (content) =>
  typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? JSON.stringify(part)).join('\n');

function anthropic(body, response) {
  const parts = (body.messages ?? []).filter((message) => message.role === 'user');
  const items = parts.flatMap(({ content }) => (typeof content === 'string' ? [{ type: 'text', text: content }] : content));
  const known = items.map((part) =>
    part.type === 'tool_result' ? { kind: 'result', text: flat(part.content) } : { kind: 'user', text: part.text ?? '' });
  const { step, text, id } = plan(known, body.tools);
  const block = step ? { type: 'tool_use', id: `toolu_${id}`, name: step.tool, input: {} } : { type: 'text', text: '' };
  const delta = step
    ? { type: 'input_json_delta', partial_json: JSON.stringify(step.input ?? {}) }
    : { type: 'text_delta', text };
  const message = { id: `msg_${id}`, type: 'message', role: 'assistant', model: body.model, content: [], stop_reason: null,
    stop_sequence: null, usage: { input_tokens: 10, output_tokens: 1 } };
  const reason = step ? 'tool_use' : 'end_turn';
  if (!body.stream) {
    const content = [step ? { ...block, input: step.input ?? {} } : { type: 'text', text }];
    return response.writeHead(200, JSON_TYPE).end(JSON.stringify({ ...message, content, stop_reason: reason }));
  }
  response.writeHead(200, EVENTS);
  const event = (type, fields) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  event('message_start', { message });
  event('content_block_start', { index: 0, content_block: block });
  event('content_block_delta', { index: 0, delta });
  event('content_block_stop', { index: 0 });
  event('message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 5 } });
  event('message_stop', {});
  response.end();
}

/** The items of either API of OpenAI. */
function openaiItems(input) {
  const results = ['function_call_output', 'custom_tool_call_output', 'tool_search_output'];
  const given = typeof input === 'string' ? [{ role: 'user', content: input }] : input ?? [];
  return given.map((item) => {
    if (results.includes(item.type) || item.role === 'tool') {
      return { kind: 'result', text: flat(item.output ?? item.content ?? item.tools) };
    }
    return { kind: item.role ?? item.type, text: item.content ? flat(item.content) : '' };
  });
}

function chat(body, response) {
  const { step, text, id } = plan(openaiItems(body.messages), body.tools);
  const call = step && { index: 0, id: `call_${id}`, type: 'function',
    function: { name: step.tool, arguments: JSON.stringify(step.input ?? {}) } };
  const message = step ? { role: 'assistant', content: null, tool_calls: [call] } : { role: 'assistant', content: text };
  const finish_reason = step ? 'tool_calls' : 'stop';
  const base = { id: `c${id}`, created: 1, model: body.model };
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  if (!body.stream) {
    const choices = [{ index: 0, message, finish_reason }];
    return response.writeHead(200, JSON_TYPE).end(JSON.stringify({ ...base, object: 'chat.completion', choices, usage }));
  }
  response.writeHead(200, EVENTS);
  for (const chunk of [
    { choices: [{ index: 0, delta: message, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason }] },
    { choices: [], usage },
  ]) response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...chunk })}\n\n`);
  response.end('data: [DONE]\n\n');
}

function responses(body, response) {
  const { step, text, id } = plan(openaiItems(body.input), body.tools);
  const item = step
    ? { type: 'function_call', id: `fc_${id}`, call_id: `call_${id}`, name: step.tool,
        ...(step.namespace ? { namespace: step.namespace } : {}), arguments: JSON.stringify(step.input ?? {}), status: 'completed' }
    : { type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed',
        content: [{ type: 'output_text', text, annotations: [] }] };
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15, input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 } };
  const whole = { id: `resp_${id}`, object: 'response', created_at: 1, model: body.model, status: 'completed', output: [item], usage };
  if (!body.stream) return response.writeHead(200, JSON_TYPE).end(JSON.stringify(whole));
  response.writeHead(200, EVENTS);
  let number = 0;
  const event = (type, fields) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number++, ...fields })}\n\n`);
  event('response.created', { response: { ...whole, status: 'in_progress', output: [] } });
  event('response.output_item.added', { output_index: 0, item });
  if (!step) event('response.output_text.delta', { item_id: item.id, output_index: 0, content_index: 0, delta: text });
  event('response.output_item.done', { output_index: 0, item });
  event('response.completed', { response: whole });
  response.end();
}

function gemini(body, response, isStream) {
  const parts = (body.contents ?? []).filter((content) => content.role !== 'model').flatMap((content) => content.parts);
  const items = parts.map((part) => part.functionResponse
    ? { kind: 'result', text: JSON.stringify(part.functionResponse.response) }
    : { kind: 'user', text: part.text ?? '' });
  const { step, text } = plan(items, body.tools);
  const part = step ? { functionCall: { name: step.tool, args: step.input ?? {} } } : { text };
  const answer = { candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 } };
  if (!isStream) return response.writeHead(200, JSON_TYPE).end(JSON.stringify(answer));
  response.writeHead(200, EVENTS).end(`data: ${JSON.stringify(answer)}\n\n`);
}

http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const path = request.url.split('?')[0];
    const json = (status, value) => response.writeHead(status, JSON_TYPE).end(JSON.stringify(value));
    let body;
    try { body = JSON.parse(Buffer.concat(chunks).toString() || '{}'); } catch { return json(400, { error: 'no JSON' }); }
    if (path.endsWith('/models')) {
      return json(200, { object: 'list', data: [{ id: 'stub', object: 'model', created: 1, owned_by: 'stub' }] });
    }
    if (path.endsWith('/count_tokens')) return json(200, { input_tokens: 10 });
    if (path.endsWith(':countTokens')) return json(200, { totalTokens: 10 });
    if (path.endsWith('/v1/messages')) return anthropic(body, response);
    if (path.endsWith('/responses')) return responses(body, response);
    if (path.endsWith('/chat/completions')) return chat(body, response);
    if (path.endsWith('enerateContent')) return gemini(body, response, path.endsWith(':streamGenerateContent'));
    return json(404, { type: 'error', error: { type: 'not_found_error', message: 'no such call' } });
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
