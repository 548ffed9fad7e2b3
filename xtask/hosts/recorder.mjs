// Stands between a host and the relay's /mcp: passes everything on, and writes each request with its answer as one
// line of JSON into the file LOG.
import http from 'node:http';
import fs from 'node:fs';

http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const sent = Buffer.concat(chunks);
    const { method, url, headers } = request;
    // Links name the relay, not this.
    const host = new URL(process.env.UPSTREAM).host;
    const upstream = http.request(process.env.UPSTREAM + url, { method, headers: { ...headers, host } }, (answer) => {
      const got = [];
      answer.on('data', (chunk) => got.push(chunk)).on('end', () => {
        const line = { method, path: url, headers, body: sent.toString(), status: answer.statusCode,
          answer: Buffer.concat(got).toString() };
        fs.appendFileSync(process.env.LOG, JSON.stringify(line) + '\n');
      });
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    // The host sees what it would see of a relay that is down.
    upstream.on('error', () => response.destroy());
    upstream.end(sent);
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
