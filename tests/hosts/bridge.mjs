// A host with an official JavaScript client: reads calls of tools, a line of JSON each, and writes what came of them.
//
//     node bridge.mjs URL PACKAGE     PACKAGE: @modelcontextprotocol/sdk (legacy) or @modelcontextprotocol/client
import { createInterface } from 'node:readline';

const [url, name] = process.argv.slice(2);
const isOld = name.endsWith('/sdk');
const { Client } = await import(isOld ? `${name}/client/index.js` : name);
const { StreamableHTTPClientTransport } = await import(isOld ? `${name}/client/streamableHttp.js` : name);

const say = told => console.log(JSON.stringify(told));
const options = isOld ? {} : { versionNegotiation: { mode: 'auto' } };
const client = new Client({ name: 'bridge', version: '1.0.0' }, options);
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
say({ tools: (await client.listTools()).tools.map(tool => tool.name) });
for await (const line of createInterface({ input: process.stdin })) {
  const { tool, arguments: given } = JSON.parse(line);
  const result = await client.callTool({ name: tool, arguments: given });
  say({ given: result.structuredContent, isError: result.isError === true });
}
await client.close();
