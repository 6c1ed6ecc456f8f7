//! The few system calls that std does not offer. All unsafe code of the program is in this file.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
#[cfg(target_os = "linux")]
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::Duration;

/// Whether SIGHUP is ignored, as `nohup` arranges it.
pub fn hangup_is_ignored() -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only asks; `action` is as large as the call expects.
    unsafe {
        libc::sigaction(libc::SIGHUP, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Ignores SIGHUP (again: the ctrlc crate has put its handler over what `nohup` had arranged).
pub fn ignore_hangup() {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
}

/// Ignores SIGINT: what the terminal sends is meant for the command that runs in front.
pub fn ignore_interrupt() {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
}

/// Waits until nobody can read what is written to stdout any more. Returns at once, with `false`, where that cannot be known.
pub fn wait_for_stdout_to_close() -> bool {
    poll(libc::STDOUT_FILENO, 0).is_ok_and(|events| events & (libc::POLLERR | libc::POLLHUP) != 0)
}

/// Waits until a descriptor takes more, or fails at the next write.
///
/// # Errors
/// When it cannot be waited for.
pub fn wait_until_writable(file: &File) -> io::Result<()> {
    poll(file.as_raw_fd(), libc::POLLOUT).map(drop)
}

/// Waits for events, or for the end of the other side, which is always waited for.
fn poll(fd: RawFd, events: libc::c_short) -> io::Result<libc::c_short> {
    loop {
        let mut poll = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one descriptor, one entry.
        if unsafe { libc::poll(&raw mut poll, 1, -1) } >= 0 {
            return Ok(poll.revents);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Whether stdout is a pipe or a socket: something whose other end can go away.
pub fn stdout_has_reader() -> bool {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: `stat` is as large as the call expects, and is read only when the call filled it.
    let mode = unsafe {
        if libc::fstat(libc::STDOUT_FILENO, stat.as_mut_ptr()) != 0 {
            return false;
        }
        stat.assume_init().st_mode
    };
    matches!(mode & libc::S_IFMT, libc::S_IFIFO | libc::S_IFSOCK)
}

/// Takes over a descriptor that the user has opened for us to write to and named on the command line.
///
/// # Errors
/// When no such descriptor is open, or it is open for reading only.
pub fn inherited_file(fd: RawFd) -> io::Result<File> {
    // SAFETY: fcntl with F_GETFL only asks.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 {
        return Err(io::Error::other("it is not open"));
    }
    if flags & libc::O_ACCMODE == libc::O_RDONLY {
        return Err(io::Error::other("it is not open for writing"));
    }
    // What we start must not hold it open: whoever reads it waits for our end.
    // SAFETY: this changes nothing but a flag of ours.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    // SAFETY: it is open, and only this File is made of it: the caller names each descriptor once.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// What a descriptor is waited for to allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Reading, which also shows its end.
    Read,
    /// Writing, which also shows that nobody reads any more.
    Write,
}

/// Waits until one of the descriptors is ready, or the time is over (none is without end), and says which are. May also return
/// early with none of them ready.
///
/// # Errors
/// When the system has no memory for it.
pub fn wait_ready<const N: usize>(
    wanted: [Option<(BorrowedFd<'_>, Readiness)>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut polls = wanted.map(|wanted| match wanted {
        // The system passes over negative numbers.
        None => libc::pollfd { fd: -1, events: 0, revents: 0 },
        Some((fd, Readiness::Read)) => libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 },
        Some((fd, Readiness::Write)) => libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 },
    });
    // Rounded up, so that the time is over on return.
    let millis = timeout.map_or(-1, |time| i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
    // SAFETY: as many entries as are said, all of them ours.
    let ready = unsafe { libc::poll(polls.as_mut_ptr(), N as libc::nfds_t, millis) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok([false; N]) } else { Err(error) };
    }
    Ok(polls.map(|poll| poll.revents != 0))
}

/// Makes reads and writes of a descriptor return instead of waiting.
///
/// # Errors
/// When the descriptor does not know that.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: both only read and change the flags of a descriptor that is open.
    let set = unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        flags >= 0 && libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) >= 0
    };
    if set { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Allows this process at least so many open descriptors, if the system lets it. Returns how many it may have: the usual limit
/// of 1024 is meant for programs that still use select(2).
#[cfg(feature = "serve")]
pub fn allow_open_files(wanted: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both only read and write `limit`, which is as large as they expect.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return 0;
        }
        if limit.rlim_cur < wanted {
            let raised = libc::rlimit { rlim_cur: wanted.min(limit.rlim_max), ..limit };
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
                return raised.rlim_cur;
            }
        }
    }
    limit.rlim_cur
}

/// A signal that ends processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// SIGTERM: please.
    Ask,
    /// SIGKILL.
    Kill,
}

impl Ending {
    fn signal(self) -> libc::c_int {
        match self {
            Self::Ask => libc::SIGTERM,
            Self::Kill => libc::SIGKILL,
        }
    }
}

/// Sends a signal to all processes of a group; one that has no processes any more is no error.
pub fn signal_group(group: u32, ending: Ending) {
    let Some(group) = libc::pid_t::try_from(group).ok().filter(|group| *group > 1) else { return };
    // SAFETY: it sends a signal, and not to ourselves: 0 and 1 were excluded.
    unsafe { libc::kill(-group, ending.signal()) };
}

/// Sends a signal to a child that has not been waited for: until then its number belongs to nobody else.
pub fn signal_child(child: &Child, ending: Ending) {
    let Some(pid) = libc::pid_t::try_from(child.id()).ok().filter(|pid| *pid > 1) else { return };
    // SAFETY: it sends a signal, and to one process.
    unsafe { libc::kill(pid, ending.signal()) };
}

/// Makes sure that we learn how our children end, though whoever started us may have wanted to know nothing of its own.
pub fn expect_children() {
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// What becomes readable when a child of ours has ended, where the system has such a thing (Linux 5.3).
#[cfg(target_os = "linux")]
pub fn end_of(child: u32) -> Option<OwnedFd> {
    // SAFETY: the call takes two numbers, and touches no memory. (libc has no function of its own for it with every C library.)
    let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, child as libc::pid_t, 0) };
    let opened = RawFd::try_from(opened).ok().filter(|opened| *opened >= 0)?;
    // SAFETY: it was opened just now, and belongs to nobody else.
    Some(unsafe { OwnedFd::from_raw_fd(opened) })
}

/// The same where it has not.
#[cfg(not(target_os = "linux"))]
pub fn end_of(_: u32) -> Option<OwnedFd> {
    None
}

/// Waits until a child of ours has ended, and leaves it to be waited for: until then its number belongs to nobody else.
pub fn wait_for_end(child: u32) {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: `info` is as large as the call expects.
    while unsafe { libc::waitid(libc::P_PID, child as libc::id_t, info.as_mut_ptr(), libc::WEXITED | libc::WNOWAIT) }
        != 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

/// Lets the system kill what is started when the thread that starts it ends: then whatever ends us, `kill -9` included, ends
/// it too. Only Linux can do that; elsewhere it sees the end of its stdin.
pub fn kill_with_this_thread(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let parent = std::process::id();
        let arrange = move || {
            // SAFETY: neither call touches memory; both may be used between fork and exec.
            let arranged = unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0 && libc::getppid().cast_unsigned() == parent
            };
            // With another parent already, we are dead and nobody would end it.
            if arranged { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
        };
        // SAFETY: the closure makes two system calls, and an error that needs no memory.
        unsafe { command.pre_exec(arrange) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
