internal import ConnectionThread
internal import Glibc

/// An SMTP server that takes everything and remembers what it was told, octet by octet.
package final class SMTPSink: Sendable {
    /// What a client said between two mails.
    package struct Mail: Sendable {
        /// From MAIL to DATA; a line that is no command of SMTP is among them.
        package var commands: [String] = []
        /// As it crossed the wire between DATA's answer and the final dot, dots doubled.
        package var wire: [UInt8] = []
    }

    package let port: Int
    private let listener: Int32
    private let mails = Locked<[Mail]>([])

    package init() {
        (self.listener, self.port) = Socket.listen()
        let listener = self.listener
        let mails = self.mails
        Socket.thread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                Socket.thread {
                    Self.serve(client) { mail in mails.withLock { $0.append(mail) } }
                    Glibc.close(client)
                }
            }
        }
    }

    package func stop() { shutdown(self.listener, Int32(SHUT_RDWR)) }

    /// The mails since the last call.
    package func take() -> [Mail] {
        self.mails.withLock { mails in
            defer { mails = [] }
            return mails
        }
    }

    private static func serve(_ client: Int32, _ keep: (Mail) -> Void) {
        var buffer: [UInt8] = []
        var mail = Mail()
        /// Everything before `end`, which is taken away too.
        func read(to end: [UInt8]) -> [UInt8]? {
            var searched = 0
            while true {
                if let found = buffer[searched...].firstRange(of: end) {
                    let result = Array(buffer[..<found.lowerBound])
                    buffer.removeSubrange(..<found.upperBound)
                    return result
                }
                searched = max(0, buffer.count - end.count + 1)
                var bytes = [UInt8](repeating: 0, count: 65536)
                let count = recv(client, &bytes, bytes.count, 0)
                guard count > 0 else { return nil }
                buffer += bytes[..<count]
            }
        }
        func say(_ text: String) -> Bool { Socket.send(Array("\(text)\r\n".utf8)[...], to: client) }
        guard say("220 sink.example ESMTP") else { return }
        while let line = read(to: [0x0D, 0x0A]) {
            let command = String(decoding: line, as: UTF8.self)
            var answer = "250 2.0.0 ok"
            switch command.prefix(4).uppercased() {
            case "EHLO":
                answer = "250-sink.example\r\n250-SIZE 100000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING"
            case "QUIT": return _ = say("221 2.0.0 bye")
            case "DATA":
                mail.commands.append(command)
                guard say("354 go on") else { return }
                // The first line may be the final dot.
                buffer.insert(contentsOf: [0x0D, 0x0A], at: 0)
                guard let data = read(to: Array("\r\n.\r\n".utf8)) else { return }
                mail.wire = Array(data.dropFirst(2))
                keep(mail)
                mail = Mail()
            case "RSET", "NOOP": break
            default: mail.commands.append(command)
            }
            guard say(answer) else { return }
        }
    }
}
