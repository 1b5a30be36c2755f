//! Routes as they are declared: a path, its methods, and what each asks for. A route that asks for nothing cannot be written, and
//! all of them can be listed.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};
use clarion_domain::tenancy::role::Right;

use super::guard::asks;
use crate::portal::Portal;

/// Whom a route lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetsIn {
    /// Whoever comes: the sign-in itself, and what it looks like.
    Anybody,
    /// Every signed-in user.
    SignedIn,
    /// Users whose role has this right.
    With(Right),
}

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Door {
    pub path: &'static str,
    pub method: Method,
    pub lets_in: LetsIn,
}

/// What answers at a path, by method.
pub struct Methods {
    router: MethodRouter<Portal>,
    names: Vec<Method>,
}

pub fn get<H: Handler<T, Portal>, T: 'static>(handler: H) -> Methods {
    Methods { router: routing::get(handler), names: vec![Method::GET] }
}

pub fn post<H: Handler<T, Portal>, T: 'static>(handler: H) -> Methods {
    Methods { router: routing::post(handler), names: vec![Method::POST] }
}

impl Methods {
    pub fn post<H: Handler<T, Portal>, T: 'static>(mut self, handler: H) -> Self {
        self.names.push(Method::POST);
        Self { router: self.router.post(handler), names: self.names }
    }
}

/// Methods with the right that they ask for; `None` lets every signed-in user in.
pub struct Guarded {
    parts: Vec<(Option<Right>, Methods)>,
    limit: Option<DefaultBodyLimit>,
}

pub fn guarded(right: Option<Right>, methods: Methods) -> Guarded {
    Guarded { parts: vec![(right, methods)], limit: None }
}

impl Guarded {
    /// Other methods of the same path, with a right of their own.
    pub fn merge(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// How large a body may be, where it may be larger than elsewhere.
    pub fn layer(self, limit: DefaultBodyLimit) -> Self {
        Self { limit: Some(limit), ..self }
    }
}

/// The routes of the portal.
#[derive(Default)]
pub struct Table {
    open: Vec<(&'static str, Methods)>,
    guarded: Vec<(&'static str, Guarded)>,
}

impl Table {
    /// A route for whoever comes.
    pub fn open(mut self, path: &'static str, methods: Methods) -> Self {
        self.open.push((path, methods));
        self
    }

    pub fn route(mut self, path: &'static str, guarded: Guarded) -> Self {
        self.guarded.push((path, guarded));
        self
    }

    /// Every method of every path, in the order of the table.
    pub fn doors(&self) -> Vec<Door> {
        let all = |path: &'static str, methods: &Methods, lets_in| methods.names.iter().map(|method| Door { path, method: method.clone(), lets_in }).collect::<Vec<_>>();
        let open = self.open.iter().flat_map(|(path, methods)| all(path, methods, LetsIn::Anybody));
        let parts = self.guarded.iter().flat_map(|(path, guarded)| guarded.parts.iter().map(move |part| (*path, part)));
        open.chain(parts.flat_map(|(path, (right, methods))| all(path, methods, right.map_or(LetsIn::SignedIn, LetsIn::With)))).collect()
    }

    /// The router, with the guard before each route.
    pub fn build(self, portal: &Portal) -> Router<Portal> {
        let open = self.open.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods.router));
        self.guarded.into_iter().fold(open, |router, (path, guarded)| {
            let methods = guarded.parts.into_iter().fold(MethodRouter::new(), |merged, (right, methods)| merged.merge(asks(portal, right, methods.router)));
            router.route(path, match guarded.limit {
                Some(limit) => methods.layer(limit),
                None => methods,
            })
        })
    }
}
