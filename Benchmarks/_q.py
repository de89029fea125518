import os,sys,time,subprocess
sys.argv=['x','--libpq','x']
import types
src=open('ingest.py').read().rsplit('main()',1)[0]
exec(src)
mails=int(os.environ.get('N','1000'))
servers=(harness.postgres_pid(), harness.dovecot_pid())
t=harness.fresh_database("bench_template")
s=harness.Service("bench@shop.example",t); s.run("migrate"); s.stop()
harness.psql(t,HOLD+LEASE)
user=harness.fill_mailbox("q"+str(int(time.time())),mails)
db=harness.fresh_database("bench",t)
with harness.Service(user,db,**{"import":{"since":"all"}}) as service:
    service.run("kb","import",str(harness.ROOT/"Config/demo/knowledge"))
    service.start()
    perf=subprocess.Popen(["perf","record","-F","499","-g","-o","/tmp/intake.perf","-p",str(service.process.pid)],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL) if os.environ.get('PERF') else None
    b=[harness.processor_seconds(p) for p in (*servers,service.process.pid)]
    print("intake",intake(service,db,servers,mails),flush=True)
    a=[harness.processor_seconds(p) for p in (*servers,service.process.pid)]
    print("ms/mail pg, dovecot, martlet",[round((y-x)*1000/mails,3) for x,y in zip(b,a)],"rss",service.peak_memory(),flush=True)
    if perf: perf.send_signal(2); perf.wait()
    tg=harness.fresh_database("bench_baseline",t); harness.psql(tg,"delete from mailbox")
    try: print("libpq",mails/libpq(str(harness.ROOT/".martlet/bench/libpq_baseline"),db,tg,mails)["seconds"],flush=True)
    except subprocess.CalledProcessError as e: print(e.stderr)
    print("mbsync",mbsync(user,False),flush=True)
    n=int(os.environ.get('D','100'))
    perf=subprocess.Popen(["perf","record","-F","499","-g","-o","/tmp/drain.perf","-p",str(service.process.pid)],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL) if os.environ.get('PERF') else None
    b=[harness.processor_seconds(p) for p in (*servers,service.process.pid)]
    d=drain(service,db,servers,n)
    a=[harness.processor_seconds(p) for p in (*servers,service.process.pid)]
    print("drain",n/d[0],n/d[1],"cpu ms",d[2]*1000/n,[round((y-x)*1000/n,3) for x,y in zip(b,a)],"rss",service.peak_memory(),flush=True)
    if perf: perf.send_signal(2); perf.wait()
    print(harness.psql(db,"select decision,count(*) from ticket group by 1"))
    print(open(service.folder/"log").read()[-1500:])
