import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

/** The way from a machine to AWS: it can be cut, and it sees what is asked for. */
export class Network {
  readonly #to: { host: string; port: number }
  readonly #sockets = new Set<Socket>()
  /** `GET /bucket/key`, in the order in which they were asked */
  readonly requests: string[] = []
  #server: Server | undefined
  #port = 0

  /** @param to where AWS is */
  constructor(to: string) {
    const { hostname, port } = new URL(to)
    this.#to = { host: hostname, port: Number(port) }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async restore(): Promise<void> {
    const server = createServer((socket) => this.#carry(socket))
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** From now on every connection is refused, and those that there were are broken. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** The requests that match, without what they are made of besides. */
  asked(pattern: RegExp): string[] {
    return this.requests.filter((request) => pattern.test(request))
  }

  #carry(socket: Socket): void {
    const onward = connect(this.#to)
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
    socket.on('data', (chunk: Buffer) => {
      // The first line of a request begins a chunk: a client sends its head at once, and the next one after the answer.
      const head = /^(GET|PUT|POST|HEAD) (\S+) HTTP\/1\.1\r\n/.exec(chunk.toString('latin1', 0, 4096))
      if (head !== null) this.requests.push(`${head[1] ?? ''} ${decodeURIComponent(head[2] ?? '')}`)
    })
    socket.pipe(onward).pipe(socket)
  }
}
