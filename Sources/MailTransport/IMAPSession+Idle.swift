internal import Curl

extension IMAPSession {
    /// How long a cancelled IDLE may take to end in good order.
    private static let farewell: Duration = .seconds(5)

    /// Waits until something changes in the selected folder. RFC 2177.
    ///
    /// Returns at once for a change that was noted since the last call. A peer that died in silence is found when the
    /// server's answer to DONE is missing, so a loop of `idle` with deadlines under 29 minutes notices it.
    /// - Throws: `.notSupported`; `.timedOut` and `.closed` for a dead peer.
    package func idle(until deadline: ContinuousClock.Instant) async throws(MailError) -> IdleEvent {
        guard self.capabilities.hasIdle else { throw MailError(.notSupported, "the server lacks IDLE") }
        try await self.begin()
        defer { self.end() }
        if self.takeChange() { return .changed(exists: self.exists) }
        if self.waiting > 0 { return .interrupted }
        do throws(MailError) {
            if self.expected <= self.exists { self.expected = 0 }
            let (tag, refused) = try await self.startIdle()
            if let refused { throw Self.refusal(refused) }
            let event = try await self.change(until: deadline)
            try await self.finishIdle(tag, within: event == .cancelled ? Self.farewell : self.timeouts.command)
            guard event == .changed(exists: 0) else { return event }
            self.expected = 0
            _ = self.takeChange()
            return .changed(exists: self.exists)
        } catch {
            throw error.code == .rejected ? error : self.fail(error)
        }
    }

    /// Lets the running or the next `idle` return `.changed` when another session has seen that the folder holds
    /// `exists` messages and this one was told of fewer: servers may hold news back from an idling client for a while.
    package func look(for exists: Int) {
        guard self.exists < exists else { return }
        self.expected = exists
        self.idleWait?.cancel()
    }

    private func takeChange() -> Bool {
        defer { self.hasChanged = false }
        return self.hasChanged
    }

    /// - Returns: `.changed` without a count, which may still grow.
    private func change(until deadline: ContinuousClock.Instant) async throws(MailError) -> IdleEvent {
        while true {
            while try self.nextBuffered() != nil {}
            if self.hasChanged || self.expected > 0 { return .changed(exists: 0) }
            if Task.isCancelled { return .cancelled }
            if self.waiting > 0 { return .interrupted }
            // A task of its own, so that the next command can end this wait and no other.
            let wait = Task { [connection] () async -> Result<[UInt8], CurlError> in
                do throws(CurlError) {
                    return .success(try await connection.read(until: deadline))
                } catch {
                    return .failure(error)
                }
            }
            self.idleWait = wait
            let result = await withTaskCancellationHandler {
                await wait.value
            } onCancel: {
                wait.cancel()
            }
            self.idleWait = nil
            switch result {
            case .success(let bytes): self.framer.append(bytes)
            case .failure(let error) where error.code == .timedOut: return .deadline
            case .failure(let error) where error.code == .cancelled: continue
            case .failure(let error): throw MailError(error)
            }
        }
    }

    /// Sends IDLE and waits for the server's leave; a cancelled task still takes the answer.
    private func startIdle() async throws(MailError) -> (tag: String, refused: Completion?) {
        let tag = try await self.uncancelled { session async throws(MailError) in
            try await session.send(IMAPCommand("IDLE"), until: .now + Self.farewell).tag
        }
        do throws(MailError) {
            return (tag, try await self.goAhead(tag, until: .now + self.timeouts.command))
        } catch  where error.code == .cancelled {
            let refused = try await self.uncancelled { session async throws(MailError) in
                try await session.goAhead(tag, until: .now + Self.farewell)
            }
            return (tag, refused)
        }
    }

    private func finishIdle(_ tag: String, within budget: Duration) async throws(MailError) {
        let completion = try await self.uncancelled { session async throws(MailError) in
            let deadline = ContinuousClock.now + budget
            try await session.write(Array("DONE\r\n".utf8), until: deadline)
            return try await session.completion(of: tag, from: session.framer.consumed, until: deadline)
        }
        guard completion.status == .ok else { throw Self.refusal(completion) }
    }

    /// Runs `body` to its end although the task is cancelled: half an exchange would cost the session.
    private func uncancelled<Value: Sendable>(
        _ body: @escaping @Sendable (isolated IMAPSession) async throws(MailError) -> Value
    ) async throws(MailError) -> Value {
        let task = Task { () async -> Result<Value, MailError> in
            do throws(MailError) {
                return .success(try await body(self))
            } catch {
                return .failure(error)
            }
        }
        return try await task.value.get()
    }
}
