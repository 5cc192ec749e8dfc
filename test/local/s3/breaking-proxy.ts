import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/**
 * A server in front of another that breaks the connection instead of passing a request on, when it is told to, as a network does; until the test is finished.
 * @param breaks says of each request that comes, the first is 1, whether it is lost; requests are small: each comes in one piece
 */
export async function breakingProxy(
  target: string,
  breaks: (request: number) => boolean,
): Promise<{ endpoint: string; requests: () => number }> {
  const sockets: Socket[] = []
  let requests = 0
  const server = createServer((client) => {
    const { port, hostname } = new URL(target)
    const upstream = connect(Number(port), hostname)
    sockets.push(client, upstream)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    client.on('data', (bytes) => {
      if (breaks(++requests)) client.destroy()
      else upstream.write(bytes)
    })
    upstream.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
  }
}
