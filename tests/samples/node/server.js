import { createServer } from 'node:http';

const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ release: process.env.RELEASE, greeting: process.env.GREETING }));
});

// Answers an upgrade as a WebSocket server does, which is all that a proxy has to let through.
server.on('upgrade', (request, socket) => {
  socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
});

server.listen(process.env.PORT, '127.0.0.1');
