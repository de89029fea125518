internal import DeskModel
package import DeskStore

/// How much automatic mail may go out (C6).
package struct AutomaticCaps: Sendable, Hashable {
    /// To one address within a day.
    package var addressPerDay = 3
    /// To one domain within an hour, except to providers at which everybody has an address.
    package var domainPerHour = 20
    /// In answer to mails that say nearly the same, within an hour.
    package var similarPerHour = 5
    /// From the whole desk within an hour.
    package var deskPerHour = 500

    package init() {}
}

/// Decides which queued mail may go out now. Pure: what went out comes in as facts, and what it lets out counts at once.
///
/// Signs of a robot are looked for when a mail comes in; this is the second line, for robots that show none: an address,
/// a domain or a text that draws too much automatic mail is cut off for an hour, people are told, and all mail is stored
/// as ever.
package struct LoopGuard: Sendable {
    /// Bits in which the keys of two texts may differ that say nearly the same.
    static let similarBits = 10

    private let caps: AutomaticCaps
    private let noticeCap: Int
    private let own: Set<String>
    private var facts: SendFacts

    /// - Parameters:
    ///   - noticeCap: Notices to the team within an hour.
    ///   - own: Our addresses, lower case: automatic mail to one of them would come back as a question.
    package init(caps: AutomaticCaps, noticeCap: Int, own: Set<String>, facts: SendFacts) {
        self.caps = caps
        self.own = own
        self.noticeCap = noticeCap
        self.facts = facts
    }

    /// One verdict for each mail, in order.
    package mutating func verdicts(on mails: [OutboxCandidate]) -> [OutboxVerdict] {
        var verdicts: [OutboxVerdict] = []
        for mail in mails {
            let verdict = self.verdict(on: mail)
            verdicts.append(verdict)
            switch verdict {
            case .claim:
                for address in mail.mail.recipients.prefix(1) {
                    self.facts.add(mail.mail.kind, to: address.lowercased(), textKey: mail.textKey)
                }
            case .trip(let key, let textKey, let reason):
                self.facts.breakers.append(.init(key: key, reason: reason, textKey: textKey))
            case .cancel, .hold: break
            }
        }
        return verdicts
    }

    private func verdict(on mail: OutboxCandidate) -> OutboxVerdict {
        if let needless = mail.needless { return .cancel(reason: needless) }
        switch mail.mail.kind {
        case .digest: return .claim
        case .notice: return self.facts.notices < self.noticeCap ? .claim : .hold
        case .acknowledgement, .answer, .sizeAdvice: return self.verdict(onAutomatic: mail)
        }
    }

    private func verdict(onAutomatic mail: OutboxCandidate) -> OutboxVerdict {
        guard let address = mail.mail.recipients.first?.lowercased() else { return .cancel(reason: "no recipient") }
        if self.own.contains(address) { return .cancel(reason: "the address is our own") }
        let domain = Self.domain(of: address)
        if let breaker = self.facts.breakers.first(where: { self.holds($0, domain: domain, textKey: mail.textKey) }) {
            return .cancel(reason: breaker.reason)
        }
        if self.facts.byAddress[address, default: 0] >= self.caps.addressPerDay {
            return .cancel(reason: "\(self.caps.addressPerDay) automatic mails to this address today")
        }
        if !PublicProviders.contains(domain), self.facts.byDomain[domain, default: 0] >= self.caps.domainPerHour {
            return .trip(
                key: "domain:\(domain.prefix(250))", textKey: nil,
                reason: "\(self.caps.domainPerHour) automatic mails to \(domain) within an hour")
        }
        if let key = mail.textKey {
            let alike = self.facts.textKeys.count { $0.map { TextKey.distance($0, key) <= Self.similarBits } ?? false }
            if alike >= self.caps.similarPerHour {
                return .trip(
                    key: "similar:\(String(UInt64(bitPattern: key), radix: 16))", textKey: key,
                    reason: "\(alike) automatic mails within an hour in answer to nearly the same words")
            }
        }
        if self.facts.textKeys.count >= self.caps.deskPerHour {
            return .trip(
                key: "desk", textKey: nil, reason: "\(self.caps.deskPerHour) automatic mails within an hour")
        }
        return .claim
    }

    private func holds(_ breaker: SendFacts.Breaker, domain: String, textKey: Int64?) -> Bool {
        if breaker.key == "desk" || breaker.key == "domain:\(domain.prefix(250))" { return true }
        guard let stopped = breaker.textKey, let textKey else { return false }
        return TextKey.distance(stopped, textKey) <= Self.similarBits
    }

    /// Whether an automatic answer would still find room, as far as that can be said before it is queued.
    static func hasRoom(for subject: TriageSubject, caps: AutomaticCaps) -> Bool {
        let standing = subject.standing
        if standing.isStopped || standing.mailsToAddress >= caps.addressPerDay { return false }
        return PublicProviders.contains(Self.domain(of: subject.customerEmail))
            || standing.mailsToDomain < caps.domainPerHour
    }

    private static func domain(of address: String) -> String {
        String(address.drop { $0 != "@" }.dropFirst())
    }
}

/// Providers at which everybody may have an address: one domain, millions of people who have nothing to do with each
/// other.
enum PublicProviders {
    static func contains(_ domain: String) -> Bool { Self.domains.contains(domain) }

    private static let domains: Set<String> = [
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk",
        "hotmail.fr", "hotmail.de", "hotmail.es", "hotmail.it", "live.co.uk", "live.fr", "live.nl", "outlook.de",
        "outlook.fr", "outlook.es", "yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.es", "yahoo.it",
        "yahoo.com.br", "ymail.com", "rocketmail.com", "aol.com", "icloud.com", "me.com", "mac.com", "gmx.de",
        "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de", "t-online.de", "freenet.de", "posteo.de", "mailbox.org",
        "arcor.de", "1und1.de", "bluewin.ch", "a1.net", "proton.me", "protonmail.com", "pm.me", "tutanota.com",
        "fastmail.com", "hey.com", "zoho.com", "mail.com", "mail.ru", "bk.ru", "yandex.ru", "yandex.com", "orange.fr",
        "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr", "bbox.fr", "neuf.fr", "libero.it", "virgilio.it",
        "tiscali.it", "alice.it", "tin.it", "fastwebnet.it", "telefonica.net", "terra.es", "ziggo.nl", "kpnmail.nl",
        "planet.nl", "hetnet.nl", "home.nl", "xs4all.nl", "telenet.be", "skynet.be", "wp.pl", "o2.pl", "onet.pl",
        "op.pl", "interia.pl", "poczta.fm", "gazeta.pl", "sapo.pt", "uol.com.br", "bol.com.br", "terra.com.br",
        "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "cox.net", "bellsouth.net", "btinternet.com",
        "sky.com", "virginmedia.com", "ntlworld.com", "talktalk.net", "blueyonder.co.uk", "qq.com", "163.com",
        "126.com", "naver.com", "seznam.cz", "centrum.cz", "abv.bg", "ukr.net",
    ]
}
