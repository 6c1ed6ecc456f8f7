-- The sample shop of `pgfeed demo`.
CREATE TABLE public.customers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  city text NOT NULL
);
CREATE TABLE public.products (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  price numeric(8, 2) NOT NULL,
  stock integer NOT NULL
);
CREATE TABLE public.orders (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES public.customers,
  product_id integer NOT NULL REFERENCES public.products,
  quantity integer NOT NULL,
  status text NOT NULL DEFAULT 'new'
);
INSERT INTO public.customers (name, city)
VALUES ('Ada', 'London'), ('Edgar', 'Portland'), ('Grace', 'New York'), ('Michael', 'Vienna'), ('Radia', 'Seattle');
INSERT INTO public.products (name, price, stock)
VALUES ('tea', 4.50, 120), ('coffee', 7.90, 80), ('cocoa', 6.20, 40), ('kettle', 39.00, 12), ('cup', 8.00, 60);
